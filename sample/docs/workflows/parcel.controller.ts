import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  fanOut,
  next,
  StreamHandler,
  type JoinedResults,
  type WorkflowFailure,
} from 'nestjs-redis-streams';
import { Carrier, type Parcel, type Receipt } from './carrier.js';

export interface Shipment {
  orderId: string;
  parcels: Parcel[];
}

@Controller()
export class ParcelController {
  constructor(private readonly carrier: Carrier) {}

  @StreamHandler('order.ship')
  split(@Payload() { parcels }: Shipment) {
    const branches = parcels.map((parcel) => next('parcel.ship', parcel));
    return fanOut(branches, {
      join: 'order.shipped',
      onFailure: 'order.refund',
    });
  }

  @StreamHandler('parcel.ship')
  ship(@Payload() parcel: Parcel): Promise<Receipt> {
    return this.carrier.ship(parcel); // the result of this branch
  }

  @StreamHandler('order.shipped')
  shipped(@Payload() { results }: JoinedResults<Receipt>): string {
    return `${results.length} parcels are on their way`;
  }

  @StreamHandler('order.refund')
  refund(@Payload() { failures = [] }: WorkflowFailure): string {
    return `${failures.length} parcels are refunded`;
  }
}
