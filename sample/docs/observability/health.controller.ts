import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { StreamsHealthIndicator } from 'nestjs-redis-streams/health';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly streams: StreamsHealthIndicator,
  ) {}

  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.streams.liveness('streams')]);
  }

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.streams.readiness('streams')]);
  }
}
