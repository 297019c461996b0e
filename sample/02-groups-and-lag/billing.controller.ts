import { Controller } from '@nestjs/common';
import { StreamHandler } from 'nestjs-redis-streams';

/** Prints invoices, while there is paper. */
@Controller()
export class BillingController {
  refill!: () => void;
  private readonly paper = new Promise<void>((resolve) => (this.refill = resolve));

  @StreamHandler('orders')
  async print(): Promise<void> {
    await this.paper;
  }
}
