import { Injectable } from '@nestjs/common';

export interface Order {
  readonly id: string;
  readonly customer: string;
  readonly parcels: readonly Parcel[];
}

export interface Parcel {
  readonly name: string;
  readonly price: number;
}

/** What the steps do to the world: it has to add up in the end. */
@Injectable()
export class Shop {
  charged = 0;
  refunded = 0;
  shipped = 0;
  readonly mails: string[] = [];
}

export const priceOf = (parcels: readonly Parcel[]): number =>
  parcels.reduce((sum, { price }) => sum + price, 0);
