import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  LoadBalancedContext,
  LoadBalancedHandler,
  LoadBalancer,
  OnStreamAdded,
  OnStreamDisowned,
  type StreamAdded,
  type StreamDisowned,
} from 'nestjs-redis-streams';
import { tell } from './telling.js';

export interface SessionEvent {
  readonly step: number;
  readonly page: string;
}

/** Handles the events of each session that this worker owns: in order, one after the other. */
@Controller()
export class SessionsController {
  @LoadBalancedHandler({ service: 'sessions' })
  async handle(@Payload() event: SessionEvent, @Ctx() context: LoadBalancedContext): Promise<void> {
    await pause(20);
    tell({ kind: 'handled', session: context.stream, step: event.step, token: context.token });
    if (event.page === '/logout') context.done();
  }
}

/** Tells the timeline who owns what. */
@Injectable()
export class Owners {
  constructor(private readonly balancer: LoadBalancer) {}

  @OnStreamAdded()
  added({ payload, token }: StreamAdded): void {
    const session = payload.dataStreamName;
    tell({ kind: 'owned', session, by: this.balancer.id, token });
  }

  @OnStreamDisowned()
  disowned({ payload, reason }: StreamDisowned): void {
    tell({ kind: 'given up', session: payload.dataStreamName, by: this.balancer.id, reason });
  }
}
