import { Injectable } from '@nestjs/common';
import { Outbox } from 'nestjs-redis-streams/postgres';

@Injectable()
export class OutboxOperations {
  constructor(private readonly outbox: Outbox) {}

  /** Once what refused the messages is repaired. */
  async tryAgain(): Promise<number> {
    const { items } = await this.outbox.deadRows({ limit: 1000 });
    return this.outbox.redrive(items.map(({ id }) => id));
  }
}
