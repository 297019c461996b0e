import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { LoadBalancer } from 'nestjs-redis-streams';

/** Works on its streams by itself, without a `@LoadBalancedHandler`. */
@Injectable()
export class SessionWorker implements OnApplicationBootstrap {
  private readonly logger = new Logger(SessionWorker.name);
  readonly owned = new Set<string>();

  constructor(private readonly balancer: LoadBalancer) {}

  onApplicationBootstrap(): void {
    void this.work();
  }

  private async work(): Promise<void> {
    for await (const notification of this.balancer.init()) {
      switch (notification.type) {
        case 'StreamAdded':
          this.owned.add(notification.payload.dataStreamName);
          break;
        case 'StreamDisowned':
          this.owned.delete(notification.payload.dataStreamName);
          break;
        case 'StreamExpired':
          await this.balancer
            .claim(notification.payload)
            .catch((error: unknown) => {
              // Usually another consumer was faster.
              this.logger.debug(error);
            });
          break;
        case 'StreamTerminated':
          this.owned.clear();
      }
    }
  }
}
