import { IsInt, IsString, Min } from 'class-validator';

export class Order {
  @IsString()
  orderId!: string;

  @IsString()
  customerId!: string;

  /** In cents. */
  @IsInt()
  @Min(1)
  total!: number;
}

export interface ShopEvents {
  'order.placed': Order;
  'order.returned': { orderId: string };
  'payment.remind': { orderId: string };
}
