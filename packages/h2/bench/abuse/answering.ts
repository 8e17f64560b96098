import type { Answers, Request } from './messages.ts';

/** A process of the bench that answers its parent's questions, and ends with it. */
export function answerParent(
  answer: (request: Request) => Promise<Answers[keyof Answers]> | Answers[keyof Answers],
): void {
  process.on('message', async (request: Request) => {
    process.send?.(await answer(request));
  });
  process.on('disconnect', () => process.exit());
}
