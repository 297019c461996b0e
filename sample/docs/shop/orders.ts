/** An order of the shop that all pages of the documentation speak of. */
export interface Order {
  orderId: string;
  customerId: string;
  /** In cents. */
  total: number;
}

/** The events of the shop: event type and payload. */
export interface ShopEvents {
  'order.placed': Order;
  'order.paid': Order;
  'order.shipped': { orderId: string; parcel: string };
  'email.send': { to: string; template: string };
}
