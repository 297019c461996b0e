import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { BatchResult, StreamHandler } from 'nestjs-redis-streams';
import type { ShopEvents } from '../shop/orders.js';

@Controller()
export class ParcelController {
  @StreamHandler('order.shipped', { batch: { size: 50 } })
  shipped(@Payload() parcels: ShopEvents['order.shipped'][]): BatchResult {
    const result = new BatchResult();
    parcels.forEach(({ parcel }, index) => {
      if (parcel === '') result.deadLetter(index, 'no-parcel');
    });
    return result; // all others are acknowledged
  }
}
