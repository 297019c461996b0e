import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Warehouse } from '../shop/warehouse.js';

@Controller()
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.placed', { maxDeliveries: 2 })
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }
}
