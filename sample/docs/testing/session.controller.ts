import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { LoadBalancedContext, LoadBalancedHandler } from 'nestjs-redis-streams';

/** What a user does. The last thing is 'leave'. */
export interface Action {
  kind: string;
}

@Controller()
export class SessionController {
  readonly seen: string[] = [];

  @LoadBalancedHandler({ service: 'sessions' })
  handle(@Payload() action: Action, @Ctx() context: LoadBalancedContext): void {
    this.seen.push(`${context.stream} ${action.kind}`);
    if (action.kind === 'leave') context.done();
  }
}
