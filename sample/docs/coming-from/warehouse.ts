import { Injectable } from '@nestjs/common';

@Injectable()
export class Warehouse {
  /** Rejects while the warehouse cannot be reached. */
  async reserve(_orderId: string): Promise<void> {}
}
