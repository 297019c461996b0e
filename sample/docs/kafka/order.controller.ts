import { Body, Controller, Logger, Post } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler, StreamPublisher } from 'nestjs-redis-streams/core';

export interface Order {
  orderId: string;
  customerId: string;
  total: number;
}

interface ShopEvents {
  'order.placed': Order;
}

@Controller('orders')
export class OrderController {
  private readonly logger = new Logger(OrderController.name);

  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  /** POST /orders: publishes the order, and answers the id of the message. */
  @Post()
  async place(@Body() order: Order): Promise<{ id: string }> {
    const key = order.customerId; // all orders of a customer: one partition
    return { id: await this.publisher.publish('order.placed', order, { key }) };
  }

  /** Gets each order; those of a customer one after the other. */
  @StreamHandler('order.placed', { orderBy: 'customerId' })
  pack(@Payload() order: Order): void {
    this.logger.log(`packing ${order.orderId} for ${order.customerId}`);
  }
}
