import { Injectable } from '@nestjs/common';
import { StreamRecordBuilder, StreamsClient } from 'nestjs-redis-streams';
import { firstValueFrom, timeout } from 'rxjs';

@Injectable()
export class HurriedPrices {
  constructor(private readonly client: StreamsClient) {}

  /** Fails after two seconds, and tells the service how long the caller waits. */
  of(article: string): Promise<number> {
    const record = new StreamRecordBuilder(article).setTimeout(2_000).build();
    return firstValueFrom(this.client.send<number>('price.of', record));
  }

  /** With a limit of rxjs, of which the service does not know. */
  ofToo(article: string): Promise<number> {
    const answer = this.client.send<number>('price.of', article);
    return firstValueFrom(answer.pipe(timeout(2_000)));
  }
}
