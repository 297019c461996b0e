import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  next,
  StreamHandler,
  type WorkflowFailure,
} from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Printer } from './printer.js';

@Controller()
export class InvoiceController {
  private readonly logger = new Logger(InvoiceController.name);

  constructor(private readonly printer: Printer) {}

  @StreamHandler('order.paid')
  paid(@Payload() order: Order) {
    return next('invoice.print', order, { onFailure: 'invoice.failed' });
  }

  @StreamHandler('invoice.print')
  print(@Payload() order: Order): Promise<void> {
    return this.printer.print(order.orderId);
  }

  @StreamHandler('invoice.failed')
  failed(@Payload() { payload, reason }: WorkflowFailure<Order>): void {
    this.logger.error(`No invoice for ${payload?.orderId}: ${reason}`);
  }
}
