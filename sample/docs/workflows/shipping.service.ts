import { Injectable } from '@nestjs/common';
import { Workflows } from 'nestjs-redis-streams';
import type { Shipment } from './parcel.controller.js';

@Injectable()
export class Shipping {
  constructor(private readonly workflows: Workflows) {}

  /** A second call for the same order starts nothing. Answers the id. */
  start(shipment: Shipment): Promise<string> {
    const id = `ship-${shipment.orderId}`;
    return this.workflows.start('order.ship', shipment, { id });
  }

  /** What is not done yet, or undefined for an unknown order. */
  async waiting(orderId: string) {
    const workflow = await this.workflows.get(`ship-${orderId}`);
    return workflow?.steps.filter(({ status }) => status === 'waiting');
  }

  /** False: it had ended before. */
  cancel(orderId: string): Promise<boolean> {
    return this.workflows.cancel(`ship-${orderId}`);
  }
}
