import { Controller } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { from, type Observable } from 'rxjs';
import { PriceList } from './price-list.js';

@Controller()
export class PriceController {
  constructor(private readonly list: PriceList) {}

  @MessagePattern('price.of')
  async of(@Payload() article: string): Promise<number> {
    const price = await this.list.find(article);
    if (price !== undefined) return price;
    throw new RpcException({
      name: 'UnknownArticleError',
      code: 'UNKNOWN_ARTICLE',
      message: `There is no article ${article}`,
    });
  }

  @MessagePattern('price.history')
  history(@Payload() article: string): Observable<number> {
    return from(this.list.history(article)); // an answer for each value
  }
}
