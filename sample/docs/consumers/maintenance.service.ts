import { Injectable } from '@nestjs/common';
import { StreamsTransport } from 'nestjs-redis-streams';

@Injectable()
export class Maintenance {
  constructor(private readonly transport: StreamsTransport) {}

  /** Reads no orders while the database is away. */
  async during(work: () => Promise<void>): Promise<void> {
    await this.transport.pause('order.paid');
    try {
      await work();
    } finally {
      await this.transport.resume('order.paid');
    }
  }
}
