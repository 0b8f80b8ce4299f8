// Runs JavaScript files (JSON on standard input: title and file of each); prints what each printed.
import { readFileSync } from 'node:fs'
const log = console.log
const result = {}
for (const [title, file] of JSON.parse(readFileSync(0, 'utf8'))) {
  const lines = []
  console.log = (value) => lines.push(value)
  try {
    await import(file)
    const texts = lines.map((line) => typeof line === 'string' ? line : JSON.stringify(line))
    result[title] = { output: texts.join('\n') }
  } catch (error) {
    result[title] = { error: String(error) }
  }
}
log(JSON.stringify(result))
