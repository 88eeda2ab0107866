import { createInterface } from 'node:readline';
import { styleText } from 'node:util';
import { type ChatAnswer, type ChatMessage, streamAnswer } from './chat-answer.ts';
import { afterAnswer, answerFigures, newConversation } from './chat-conversation.ts';
import { findModel } from './find-model.ts';
import type { RouterOptions } from './router-options.ts';
import { oneLine, terminalText } from './terminal-text.ts';
import { reportUserErrors, UserError } from './user-error.ts';

/** What the command is told. */
export interface ChatCommandOptions extends RouterOptions {
  readonly model?: string;
  readonly system?: string;
  readonly message?: string;
}

/** Exit status of a command that Ctrl-C ended, as shells have it. */
const interruptedStatus = 130;

/** `fleet chat`: answers on stdout, everything else on stderr. */
export function runChat(options: ChatCommandOptions): Promise<void> {
  return reportUserErrors('chat', async () => {
    const model = await findModel(options);
    if (options.message === undefined) {
      await converse(options, model);
      return;
    }
    const interrupt = new AbortController();
    process.once('SIGINT', () => interrupt.abort());
    const question: ChatMessage = { role: 'user', content: options.message };
    const answer = await show(options, model, [...newConversation(options.system), question], interrupt.signal);
    if (answer.isCancelled) process.exitCode = interruptedStatus;
  });
}

/**
 * Reads a message a line and shows its answer until the input ends. Ctrl-C cancels the answer that is being given and
 * otherwise leaves. An error ends its turn only; without a terminal it also makes the exit status 1.
 */
async function converse(options: ChatCommandOptions, model: string): Promise<void> {
  const isInteractive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    terminal: isInteractive,
    ...(isInteractive && { output: process.stdout, prompt: styleText('bold', '> ') }),
  });
  let answering: AbortController | undefined;
  const onInterrupt = () => (answering && !answering.signal.aborted ? answering.abort() : lines.close());
  lines.on('SIGINT', onInterrupt);
  process.on('SIGINT', onInterrupt);
  // Ctrl-D in the middle of an answer; the end of piped input leaves its last answer alone.
  let isClosed = false;
  lines.on('close', () => {
    isClosed = true;
    if (isInteractive) answering?.abort();
  });

  let messages = newConversation(options.system);
  if (isInteractive) {
    note(`${oneLine(model)} at ${options.url}. Ctrl-C cancels an answer, Ctrl-D leaves.`);
    lines.prompt();
  }
  for await (const line of lines) {
    if (line.trim() !== '') {
      const asked: ChatMessage[] = [...messages, { role: 'user', content: line }];
      answering = new AbortController();
      try {
        messages = afterAnswer(asked, await show(options, model, asked, answering.signal));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        console.error(styleText('red', terminalText(error.message), { stream: process.stderr }));
        if (!isInteractive) process.exitCode = 1;
      } finally {
        answering = undefined;
      }
    }
    if (isInteractive && !isClosed) lines.prompt();
  }
  process.off('SIGINT', onInterrupt);
}

/** Streams one answer to stdout and its figures to stderr. */
async function show(
  options: ChatCommandOptions,
  model: string,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
): Promise<ChatAnswer> {
  let isLineOpen = false;
  const endLine = () => {
    if (isLineOpen) process.stdout.write('\n');
    isLineOpen = false;
  };
  try {
    const answer = await streamAnswer({
      ...options,
      model,
      messages,
      signal,
      onText: (text) => {
        process.stdout.write(process.stdout.isTTY ? terminalText(text) : text);
        isLineOpen = !text.endsWith('\n');
      },
    });
    endLine();
    note(answerFigures(answer));
    return answer;
  } finally {
    endLine();
  }
}

function note(text: string): void {
  console.error(styleText('dim', text, { stream: process.stderr }));
}
