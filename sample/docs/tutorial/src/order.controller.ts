import { Body, Controller, Param, Post } from '@nestjs/common';
import { StreamPublisher } from 'nestjs-redis-streams';
import { Order, type ShopEvents } from './order.js';

@Controller('orders')
export class OrderController {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  @Post()
  async place(@Body() order: Order): Promise<{ id: string }> {
    return { id: await this.publisher.publish('order.placed', order) };
  }

  @Post(':orderId/return')
  async takeBack(@Param('orderId') orderId: string): Promise<{ id: string }> {
    return { id: await this.publisher.publish('order.returned', { orderId }) };
  }
}
