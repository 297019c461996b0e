import { Injectable } from '@nestjs/common';

@Injectable()
export class Warehouse {
  /** Rejects while the warehouse cannot be reached. */
  async reserve(_orderId: string): Promise<void> {}

  /** Takes the receipts of all parcels of an order. */
  async close(_receipts: readonly (object | null)[]): Promise<void> {}
}
