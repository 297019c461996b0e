import { Injectable } from '@nestjs/common';

@Injectable()
export class Invoices {
  async write(
    _orderId: string,
    _total: number,
    _signal: AbortSignal,
  ): Promise<void> {}

  async close(_orderId: string): Promise<void> {}
}
