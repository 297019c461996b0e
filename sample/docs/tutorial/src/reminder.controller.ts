import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler, StreamPublisher } from 'nestjs-redis-streams';
import { Order, type ShopEvents } from './order.js';

@Controller()
export class ReminderController {
  private readonly logger = new Logger(ReminderController.name);

  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  @StreamHandler('order.placed', { group: 'reminders' })
  async plan(@Payload() { orderId }: Order): Promise<void> {
    await this.publisher.publish(
      'payment.remind',
      { orderId },
      { delay: 5_000 },
    );
  }

  @StreamHandler('payment.remind', { group: 'reminders' })
  remind(@Payload('orderId') orderId: string): void {
    this.logger.log(`${orderId} is not paid yet`);
  }
}
