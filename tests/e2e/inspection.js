// What is wrong with the page on screen: axe's findings, width, texts that were not found, small targets, and how far things have moved.
async ({ least, main }) => {
  const wrong = (await axe.run(document)).violations.map((one) => `axe ${one.id}: ${one.nodes[0].html.slice(0, 120)}`)
  const wide = document.documentElement.scrollWidth - innerWidth
  if (wide > 0) wrong.push(`${wide} px too wide`)
  const inSentence = (element) => element.matches('p a, li a') && getComputedStyle(element).display === 'inline'
  for (const element of document.querySelectorAll('a[href], button, input, textarea, select, summary')) {
    if (element.disabled || element.closest('[hidden]') || element.matches('.skip') || inSentence(element)) continue
    const target = element.matches('input[type=radio], input[type=checkbox]') ? element.closest('label') : element
    const { width, height } = target.getBoundingClientRect()
    if (!width || !height) continue
    const needed = element.matches('.primary, .tabs a, .big a, button.hall, .days button, .half button, .cards input') ? main : least
    if (Math.min(width, height) < needed - 0.5) wrong.push(`target ${Math.round(width)}×${Math.round(height)} px: ${element.outerHTML.slice(0, 120)}`)
  }
  for (const element of document.querySelectorAll('body *')) {
    const text = element.children.length ? '' : element.textContent.trim()
    if (/^[a-z_]+(\.[a-z_]+)+$/.test(text)) wrong.push(`a text is missing: ${text}`)
  }
  const moved = layoutShifts.reduce((sum, one) => sum + one.value, 0)
  if (moved > 0.01) wrong.push(`layout shift ${moved.toFixed(4)}: ${layoutShifts.map((one) => one.what).join(' | ').slice(0, 300)}`)
  return wrong
}
