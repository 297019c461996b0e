import { Injectable } from '@nestjs/common';

export interface Parcel {
  number: string;
}

export interface Receipt {
  number: string;
  price: number;
}

@Injectable()
export class Carrier {
  async ship({ number }: Parcel): Promise<Receipt> {
    return { number, price: 500 };
  }
}
