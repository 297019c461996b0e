import { Injectable } from '@nestjs/common';
import { StreamRecordBuilder, StreamsClient } from 'nestjs-redis-streams';
import type { ShopEvents } from '../shop/orders.js';

@Injectable()
export class Emitting {
  constructor(private readonly client: StreamsClient) {}

  soon(email: ShopEvents['email.send']): void {
    const record = new StreamRecordBuilder(email).setDelay(5_000).build();
    this.client.emit('email.send', record);
  }
}
