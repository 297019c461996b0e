import { Injectable } from '@nestjs/common';

export interface Change {
  customerId?: string;
  guestId?: string;
  email: string;
}

@Injectable()
export class Accounts {
  async apply(_change: Change): Promise<void> {}
}
