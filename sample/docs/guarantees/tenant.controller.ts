import { Controller } from '@nestjs/common';
import { StreamHandler, StreamsTransport } from 'nestjs-redis-streams';
import { TenantData } from './tenant-data.js';

@Controller()
export class TenantController {
  constructor(
    private readonly data: TenantData,
    private readonly transport: StreamsTransport,
  ) {}

  @StreamHandler('tenant.deleted')
  async end(): Promise<void> {
    await this.data.delete();
    // No process.exit() behind it: the message is acknowledged when the method returns.
    await this.transport.close();
  }
}
