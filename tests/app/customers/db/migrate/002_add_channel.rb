class AddChannel < ActiveRecord::Migration[6.1]
  def change
    add_column :issues, :channel, :string, null: false, default: 'web'
  end
end
