import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import { Accounts, type Change } from './accounts.js';

@Controller()
export class GuestController {
  constructor(private readonly accounts: Accounts) {}

  @StreamHandler<Change>('guest.changed', {
    orderBy: ({ payload }) => payload.customerId ?? payload.guestId,
  })
  async changed(@Payload() change: Change): Promise<void> {
    await this.accounts.apply(change);
  }
}
