/** Numbers as people read them in tables; a missing one is a dash. */
export type Quantity = number | null | undefined;

export const missing = '-';

/** `12,345` */
export function count(value: Quantity): string {
  return value == null ? missing : Math.round(value).toLocaleString('en-US');
}

/** Share of 1 as `12.3 %` */
export function percent(value: Quantity): string {
  return value == null ? missing : `${(100 * value).toFixed(1)} %`;
}

/** Three significant digits, or all of the integer part: `0.0213`, `1.34`, `48.9`, `1,024`. */
export function significant(value: Quantity): string {
  if (value == null) return missing;
  if (Math.abs(value) >= 100) return count(value);
  return value === 0 ? '0' : value.toPrecision(3);
}

/** A span of time in its two largest units: `8 s`, `4 min 05 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(seconds: Quantity): string {
  if (seconds == null) return missing;
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${twoDigits(minutes)} min`;
  if (minutes > 0) return `${minutes} min ${twoDigits(whole % 60)} s`;
  return `${whole} s`;
}
