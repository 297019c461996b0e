import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { StreamsTransport, type StreamsStatus } from 'nestjs-redis-streams';

@Controller('health')
export class HealthController {
  private redis: StreamsStatus = 'disconnected';

  constructor(transport: StreamsTransport) {
    transport.status.subscribe((status) => (this.redis = status));
  }

  /** The process answers. Whether Redis does is not asked here. */
  @Get('live')
  live(): { status: string } {
    return { status: 'ok' };
  }

  /** All connections to Redis work. */
  @Get('ready')
  ready(): { redis: StreamsStatus } {
    if (this.redis === 'connected') return { redis: this.redis };
    throw new ServiceUnavailableException({ redis: this.redis });
  }
}
