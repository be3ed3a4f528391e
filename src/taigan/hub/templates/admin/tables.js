// On a phone each row of a table is a block of its own, whose cells say what they are.
document.querySelectorAll('.table table').forEach(function (table) {
  var heads = table.querySelectorAll('thead th');
  table.querySelectorAll('tbody td').forEach(function (cell) {
    cell.dataset.label = heads[cell.cellIndex] ? heads[cell.cellIndex].textContent.trim() : '';
  });
  table.classList.add('stacked');
});
