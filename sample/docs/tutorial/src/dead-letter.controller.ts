import { Controller, Get, Post } from '@nestjs/common';
import { DeadLetters } from 'nestjs-redis-streams';

@Controller('dead-letters')
export class DeadLetterController {
  constructor(private readonly deadLetters: DeadLetters) {}

  @Get()
  async list() {
    const { items } = await this.deadLetters.list('order.placed');
    return items.map(({ deadLetterId, group, reason, attempts, error }) => ({
      deadLetterId,
      group,
      reason,
      attempts,
      error: error?.message,
    }));
  }

  @Post('redrive')
  async redrive(): Promise<{ redriven: number }> {
    const { items } = await this.deadLetters.list('order.placed');
    const ids = items
      .filter(({ reason }) => reason === 'max-deliveries')
      .map(({ deadLetterId }) => deadLetterId);
    return {
      redriven: await this.deadLetters.redrive('order.placed', { ids }),
    };
  }
}
