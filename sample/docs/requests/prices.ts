import { Injectable } from '@nestjs/common';
import { StreamRecordBuilder, StreamsClient } from 'nestjs-redis-streams';
import { firstValueFrom, timeout, type Observable } from 'rxjs';

// #region ask
@Injectable()
export class Prices {
  constructor(private readonly client: StreamsClient) {}

  of(article: string): Promise<number> {
    return firstValueFrom(this.client.send<number>('price.of', article));
  }

  history(article: string): Observable<number> {
    return this.client.send<number>('price.history', article);
  }

  // #endregion
  // #region limits
  /** Fails after two seconds, and tells the service how long the caller waits. */
  ofSoon(article: string): Promise<number> {
    const record = new StreamRecordBuilder(article).setTimeout(2_000).build();
    return firstValueFrom(this.client.send<number>('price.of', record));
  }

  /** With a limit of rxjs. */
  ofSoonToo(article: string): Promise<number> {
    const answer = this.client.send<number>('price.of', article);
    return firstValueFrom(answer.pipe(timeout(2_000)));
  }
  // #endregion
}
