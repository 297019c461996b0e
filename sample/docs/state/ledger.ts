import { Injectable } from '@nestjs/common';
import type { Order } from '../shop/orders.js';

/** Stores orders page by page. A page that is not full is lost with its process. */
@Injectable()
export class Ledger {
  readonly stored: string[] = [];
  private page: string[] = [];

  /** @returns whether the page is full */
  add({ orderId }: Order): boolean {
    this.page.push(orderId);
    return this.page.length === 3;
  }

  async store(): Promise<void> {
    this.stored.push(...this.page);
    this.page = [];
  }
}
