import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { RmqContext } from '@nestjs/microservices';
import { type Observable, tap } from 'rxjs';

/** Acknowledges messages of RabbitMQ. Those of a stream need no help. */
@Injectable()
export class AckInterceptor implements NestInterceptor {
  intercept(run: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context: unknown = run.switchToRpc().getContext();
    if (!(context instanceof RmqContext)) return next.handle();
    const channel = context.getChannelRef();
    const message = context.getMessage();
    return next.handle().pipe(
      tap({
        complete: () => channel.ack(message),
        error: () => channel.nack(message, false, false),
      }),
    );
  }
}
