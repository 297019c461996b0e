import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type AsyncMicroserviceOptions,
  Ctx,
  Payload,
} from '@nestjs/microservices';
import {
  LoadBalancedContext,
  LoadBalancedHandler,
  LoadBalancer,
  LoadBalancerModule,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamPublisher,
} from 'nestjs-redis-streams';
import { type SessionEvent, Sessions } from '../../load-balancer/sessions.js';

@Controller()
export class SessionsController {
  constructor(private readonly sessions: Sessions) {}

  @LoadBalancedHandler({ service: 'sessions' })
  async handle(
    @Payload() event: SessionEvent,
    @Ctx() context: LoadBalancedContext,
  ): Promise<void> {
    await this.sessions.apply(context.stream, event, context.token);
    if (event.kind === 'logged-out') context.done(); // DoneStream
  }
}

/** What producers do: they announce a stream, and write to it. */
@Injectable()
export class FrontDesk {
  constructor(
    private readonly balancer: LoadBalancer,
    private readonly publisher: StreamPublisher<{ session: SessionEvent }>,
  ) {}

  async begin(session: string): Promise<void> {
    await this.balancer.addStream(session, { priority: 'high' });
  }

  async record(session: string, event: SessionEvent): Promise<void> {
    await this.publisher.publish('session', event, { stream: session });
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'shop',
    }),
    // The name of this consumer comes from the variable POD_NAME.
    LoadBalancerModule.forRoot({
      service: 'sessions',
      retry: { maxRetries: -1 },
    }),
  ],
  controllers: [SessionsController],
  providers: [Sessions, FrontDesk],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    AppModule,
    {
      inject: [RedisStreamsTransport],
      useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
    },
  );
  app.enableShutdownHooks();
  await app.listen();
  return app;
}
