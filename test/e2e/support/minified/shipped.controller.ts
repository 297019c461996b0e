import { Controller } from '@nestjs/common';
import { StreamHandler } from 'nestjs-redis-streams';
import { runs } from './runs.js';

@Controller()
export class EventsController {
  @StreamHandler('order.shipped', {
    stream: 'orders',
    dedupe: { key: ({ payload }) => (payload as { order: string }).order },
  })
  handle(): void {
    runs.push('shipped');
  }
}
