import { Body, Controller, Logger, Post } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler, StreamPublisher } from 'nestjs-redis-streams/core';

interface Order {
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
    return { id: await this.publisher.publish('order.placed', order) };
  }

  /** Gets each published order, in this process or in another one. */
  @StreamHandler('order.placed')
  pack(@Payload() order: Order): void {
    this.logger.log(`packing ${order.orderId} for ${order.customerId}`);
  }
}
