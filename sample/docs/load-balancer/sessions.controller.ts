import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { LoadBalancedContext, LoadBalancedHandler } from 'nestjs-redis-streams';
import { Sessions, type SessionEvent } from './sessions.js';

@Controller()
export class SessionsController {
  constructor(private readonly sessions: Sessions) {}

  @LoadBalancedHandler({ service: 'sessions' })
  async handle(
    @Payload() event: SessionEvent,
    @Ctx() context: LoadBalancedContext,
  ): Promise<void> {
    await this.sessions.apply(context.stream, event, context.token);
    if (event.kind === 'logged-out') context.done();
  }
}
