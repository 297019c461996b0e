import { Injectable } from '@nestjs/common';
import { LoadBalancer, StreamPublisher } from 'nestjs-redis-streams';
import type { SessionEvent } from './sessions.js';

@Injectable()
export class FrontDesk {
  constructor(
    private readonly balancer: LoadBalancer,
    private readonly publisher: StreamPublisher<{ session: SessionEvent }>,
  ) {}

  async begin(session: string, customerId: string): Promise<void> {
    await this.balancer.addStream(session, { customerId });
  }

  async record(session: string, event: SessionEvent): Promise<void> {
    await this.publisher.publish('session', event, { stream: session });
  }
}
