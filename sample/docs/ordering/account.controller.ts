import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import { Accounts, type Change } from './accounts.js';

@Controller()
export class AccountController {
  constructor(private readonly accounts: Accounts) {}

  @StreamHandler<Change>('account.changed', { orderBy: 'customerId' })
  async changed(@Payload() change: Change): Promise<void> {
    await this.accounts.apply(change);
  }
}
