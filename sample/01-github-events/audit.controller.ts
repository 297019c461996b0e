import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler, UnrecoverableError } from 'nestjs-redis-streams';
import type { Webhook } from './webhooks.js';

const REFUSED = 'security_advisory.withdrawn';

/** Another service, in a group of its own: it records everything, on a ledger that is not perfect. */
@Controller()
export class AuditController {
  /** Until the ledger is mended, it cannot take withdrawn advisories. */
  mended = false;
  readonly ledger = new Set<string>();
  private calls = 0;

  @StreamHandler('*', { group: 'audit' })
  async record(@Payload() webhook: Webhook, @Ctx() context: StreamContext): Promise<void> {
    if (context.message.eventType === REFUSED && !this.mended) {
      throw new UnrecoverableError('the ledger has no column for withdrawn advisories');
    }
    if (++this.calls % 10 === 0 && context.attempt === 1) {
      throw new Error(`the ledger was busy, ${webhook.sender?.login ?? 'the sender'} has to wait`);
    }
    this.ledger.add(context.id);
  }
}
