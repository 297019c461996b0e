import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';

/** What a test publishes: an order that succeeds at this run, 1 where it is not given. */
export interface RecordedOrder {
  readonly number: number;
  readonly succeedsAt?: number;
}

/** A processor of any event of the topic, which fails as the orders say. */
@Controller()
export class RecordedOrders {
  readonly processed: number[] = [];
  /** Number and attempt of each run. */
  readonly runs: [number: number, attempt: number][] = [];
  /** Most runs at one time. */
  most = 0;
  private running = 0;

  @StreamHandler('*')
  async process(
    @Payload() { number, succeedsAt = 1 }: RecordedOrder,
    @Ctx() { attempt }: StreamContext,
  ): Promise<void> {
    this.most = Math.max(this.most, ++this.running);
    this.runs.push([number, attempt]);
    await new Promise((resolve) => setImmediate(resolve));
    this.running--;
    if (attempt < succeedsAt) throw new Error(`order ${number} is locked`);
    this.processed.push(number);
  }
}
