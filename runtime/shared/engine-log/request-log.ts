/** Whether a line logs a request (`--log-requests`): it prints prompts, and a prompt may quote an engine log. */
export function isRequestLog(text: string): boolean {
  return text.includes(': obj=') || text.includes('"event": "request.') || text.includes('"event":"request.');
}
