import { Injectable } from '@nestjs/common';

@Injectable()
export class Mails {
  async send(_to: string, _template: string): Promise<void> {}
}
