import { Injectable, Logger } from '@nestjs/common';
import {
  OnStreamEvent,
  type AdministeredEvent,
  type SettledEvent,
} from 'nestjs-redis-streams';

@Injectable()
export class Pager {
  private readonly logger = new Logger(Pager.name);
  readonly audit: AdministeredEvent[] = [];

  @OnStreamEvent('dead-lettered')
  async page(
    { stream, id, reason }: SettledEvent,
    module: string,
  ): Promise<void> {
    this.logger.error(`${module}: ${id} of ${stream} was given up: ${reason}`);
  }

  @OnStreamEvent('administered', { name: 'orders' })
  record(action: AdministeredEvent): void {
    this.audit.push(action);
  }
}
