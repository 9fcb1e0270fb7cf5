class AddCustomers < ActiveRecord::Migration[6.1]
  def change
    add_column :issues, :customer_number, :string
    create_table :customer_lines do |t|
      t.references :issue, null: false, foreign_key: true
      t.text :said
      t.timestamps
    end
  end
end
