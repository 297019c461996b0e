import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  StreamContext,
  StreamHandler,
  type RedisTransaction,
} from 'nestjs-redis-streams';

export interface Sale {
  orderId: string;
  article: string;
  pieces: number;
}

@Controller()
export class StockController {
  @StreamHandler<Sale>('article.sold', {
    inbox: { key: ({ payload }) => payload.orderId },
  })
  sold(@Payload() sale: Sale, @Ctx() context: StreamContext): void {
    const transaction = context.transaction<RedisTransaction>();
    transaction.write('HINCRBY', 'stock', sale.article, -sale.pieces);
    transaction.write('RPUSH', 'sold', sale.orderId);
  }
}
