import { Body, Controller, Post } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { trace } from '@opentelemetry/api';
import {
  next,
  StreamHandler,
  StreamPublisher,
  UnrecoverableError,
  type WorkflowInstruction,
} from 'nestjs-redis-streams';

interface Order {
  readonly id: number;
  readonly items: number;
}

@Controller('orders')
export class OrderController {
  private readonly tracer = trace.getTracer('shop');

  constructor(private readonly publisher: StreamPublisher) {}

  /** Where an HTTP instrumentation is loaded, it makes this span. */
  @Post()
  place(@Body() order: Order): Promise<string> {
    return this.tracer.startActiveSpan(`POST /orders ${order.id}`, async (span) => {
      const id = await this.publisher.publish('order.placed', order);
      span.end();
      return id;
    });
  }

  @StreamHandler('order.placed')
  pack(@Payload() order: Order): WorkflowInstruction {
    if (order.items === 0) throw new UnrecoverableError(`Order ${order.id} has no items`);
    return next('order.packed', order);
  }

  @StreamHandler('order.packed')
  ship(@Payload() order: Order): WorkflowInstruction {
    return next('order.shipped', order);
  }

  @StreamHandler('order.shipped')
  thank(): void {
    // The customer gets a mail.
  }
}
