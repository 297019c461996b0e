import { Controller } from '@nestjs/common';
import { StreamHandler } from 'nestjs-redis-streams';

@Controller()
export class ReadingController {
  // #region reading
  @StreamHandler('issues.closed', { stream: 'archive' }) // one event of a stream
  closed(): void {}

  @StreamHandler({ streams: ['eu', 'us'], events: 'order.*' }) // of two streams
  orders(): void {}

  @StreamHandler({ streams: ['audit'] }) // all events of a stream
  audit(): void {}
  // #endregion
}
