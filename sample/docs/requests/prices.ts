import { Injectable } from '@nestjs/common';
import { StreamsClient } from 'nestjs-redis-streams';
import { firstValueFrom, type Observable } from 'rxjs';

@Injectable()
export class Prices {
  constructor(private readonly client: StreamsClient) {}

  of(article: string): Promise<number> {
    return firstValueFrom(this.client.send<number>('price.of', article));
  }

  history(article: string): Observable<number> {
    return this.client.send<number>('price.history', article);
  }
}
